// Runs before the first paint. Storage keeps the theme and, in src/ui/last-agent.ts, which agent was looked at last.
;(() => {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  let theme = 'system'
  try {
    theme = localStorage.getItem('theme') || theme
  } catch {
    // Storage is refused: the system's theme it is.
  }
  const show = () => {
    document.documentElement.dataset.theme = theme === 'dark' || (theme === 'system' && dark.matches) ? 'dark' : 'light'
  }
  dark.addEventListener('change', show)
  show()
  window.keywardTheme = {
    get: () => theme,
    set: chosen => {
      theme = chosen
      try {
        localStorage.setItem('theme', chosen)
      } catch {
        // It holds for this page.
      }
      show()
    },
  }
})()
