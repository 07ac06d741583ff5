import { useEffect, type RefObject } from 'react'

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
