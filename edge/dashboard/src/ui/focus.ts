import { useEffect, type RefObject } from 'react'

/** Puts the focus on the first field with an error at each try that found some. */
export function useFocusOnError(form: RefObject<HTMLFormElement | null>, tries: number) {
  useEffect(() => {
    if (tries === 0) return
    const first = form.current?.querySelector<HTMLElement>(
      '[aria-invalid=true], [data-error] input, [data-error] button',
    )
    first?.focus()
    first?.scrollIntoView({ block: 'nearest' })
  }, [form, tries])
}
