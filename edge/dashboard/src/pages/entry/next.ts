/** Where somebody is who has signed in and was going nowhere else. */
export const START = '/'

/** Our own pages behind the door, by the beginning of their paths. */
const PAGES = /^\/(agents|members|audit|settings|requests)(\/|$)/

/**
 * Where to go after signing in: the page that was asked for, if it is one of ours, else the start. Whatever leaves our
 * origin, however it is written, is not followed.
 */
export function next(asked: unknown, origin = location.origin): string {
  if (typeof asked !== 'string' || !asked.startsWith('/')) return START
  let url: URL
  try {
    url = new URL(asked, origin)
  } catch {
    return START
  }
  const isOurs = url.origin === origin && !url.username && !url.password && PAGES.test(url.pathname)
  return isOurs ? url.pathname + url.search : START
}
