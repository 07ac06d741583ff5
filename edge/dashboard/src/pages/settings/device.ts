import { visible } from '../../ui/format'

/** The most of an unknown `User-Agent` that is shown. */
const MOST = 60

/** In this order: those that name others come first. */
const BROWSERS: [RegExp, string][] = [
  [/\bEdg(e|A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\b(Headless)?Chrome\/|\bCriOS\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
]
const SYSTEMS: [RegExp, string][] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
]

/** What a `User-Agent` most likely is. It is what the browser says of itself, and no proof. */
export function device(userAgent: string): { name: string; kind: 'desktop' | 'phone' | 'program' } {
  const first = (known: [RegExp, string][]) => known.find(([mark]) => mark.test(userAgent))?.[1]
  const [browser, system] = [first(BROWSERS), first(SYSTEMS)]
  if (!browser) return { name: visible(userAgent.slice(0, MOST)) || 'Unknown', kind: 'program' }
  const isPhone = system === 'iPhone' || (system === 'Android' && /\bMobile\b/.test(userAgent))
  return { name: system ? `${browser} on ${system}` : browser, kind: isPhone ? 'phone' : 'desktop' }
}
