import { useEffect, useState } from 'react'
import { Search } from './field'

/** How long typing goes on before the list is asked, in milliseconds. */
const TYPING = 200

/** What a list is searched for: its text is at once in the box and a little later in the URL. */
export function SearchBox({
  label,
  placeholder,
  value,
  onChange,
  width = 210,
}: {
  label: string
  placeholder: string
  value: string
  onChange: (value: string) => void
  width?: number
}) {
  const [typed, setTyped] = useState(value)
  const [asked, setAsked] = useState(value)
  if (value !== asked) {
    // The URL was changed by something else: Back, or "Clear filters".
    setAsked(value)
    if (value !== typed.trim()) setTyped(value)
  }
  useEffect(() => {
    if (typed.trim() === value) return
    const timer = setTimeout(() => onChange(typed.trim()), TYPING)
    return () => clearTimeout(timer)
  }, [typed, value, onChange])
  return <Search label={label} placeholder={placeholder} value={typed} onChange={setTyped} width={width} />
}
