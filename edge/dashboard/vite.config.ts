import { defineConfig } from 'vite'
import react from '@vitejs/plugin-react'
import optimizeLocales from '@react-aria/optimize-locales-plugin'

// In development the pages come from Vite and the API from a binary that runs.
const server = 'http://127.0.0.1:8081'

export default defineConfig({
  plugins: [react(), { ...optimizeLocales.vite({ locales: ['en-US'] }), enforce: 'pre' }],
  build: {
    target: 'es2022',
    // The policy of the page allows no data: URLs but for images, and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: true,
  },
  server: { proxy: { '/v1': { target: server, changeOrigin: true }, '/docs': server, '/openapi.json': server } },
})
