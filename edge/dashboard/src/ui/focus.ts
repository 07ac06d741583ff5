import { useEffect, useRef, useState } from 'react'

/** Time for what had the focus to be gone before the focus is looked at, in milliseconds. */
const SETTLES = 60

/** Gives a focus that has nowhere to be back to what had it before, or to the page where that is gone, too. */
export function regainFocus(before?: HTMLElement | null) {
  setTimeout(() => {
    const focused = document.activeElement
    if (focused && focused !== document.body && focused.isConnected) return
    const back = before?.isConnected ? before : document.getElementById('main')
    back?.focus({ preventScroll: true })
  }, SETTLES)
}

/** The errors of a form, and a way to show those that are found, which puts the focus on the first. */
export function useErrors<Errors extends Record<string, string | undefined>>() {
  const form = useRef<HTMLFormElement>(null)
  const [errors, setErrors] = useState<Errors>({} as Errors)
  const [tries, setTries] = useState(0)
  useEffect(() => {
    if (tries === 0) return
    const first = form.current?.querySelector<HTMLElement>(
      '[aria-invalid=true], [data-error] input, [data-error] button',
    )
    first?.focus()
    first?.scrollIntoView({ block: 'nearest' })
  }, [tries])
  /** Whether there are any. */
  const refuse = (found: Errors): boolean => {
    if (Object.keys(found).length === 0) return false
    setErrors(found)
    setTries(count => count + 1)
    return true
  }
  return { form, errors, setErrors, refuse }
}
