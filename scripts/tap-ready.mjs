// tap compiles its own Test class when the plugin list changes, and the run that triggers that still
// uses the old list, whose TypeScript loader cannot work with TypeScript 7. So it is compiled first.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

const testClass = 'node_modules/@tapjs/test/test-built/dist/esm/index.js'
if (!existsSync(testClass) || readFileSync(testClass, 'utf8').includes('@tapjs/typescript')) {
  const built = spawnSync('node_modules/.bin/tap', ['build'], { stdio: 'inherit' })
  process.exit(built.status ?? 1)
}
