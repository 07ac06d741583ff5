/** The theme, as public/theme.js keeps it. */
type Theme = 'system' | 'light' | 'dark'
declare global {
  interface Window {
    keywardTheme: { get(): Theme; set(theme: Theme): void }
  }
}
export const theme = () => window.keywardTheme.get()
export const setTheme = (to: Theme) => window.keywardTheme.set(to)
export type { Theme }
