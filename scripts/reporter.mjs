// One line a test file, failed assertions in full, closing with `N passed, N failed, N skipped`.
import { PassThrough } from 'node:stream'
import { Parser } from 'tap-parser'

export default class Reporter extends PassThrough {
  #parser = new Parser()
  #count = { passed: 0, failed: 0, skipped: 0, files: 0, failedFiles: 0 }

  constructor() {
    super()
    this.#parser.on('bailout', why => this.#say(`Bail out! ${why}`))
    this.#watch(this.#parser, [])
  }

  write(chunk, ...rest) {
    this.#parser.write(chunk, ...rest)
    return true
  }

  end(chunk, ...rest) {
    this.#parser.end(chunk, ...rest)
    const { passed, failed, skipped, files, failedFiles } = this.#count
    this.#say(`${files} files, ${failedFiles} with failures`)
    this.#say(`${passed} passed, ${failed} failed, ${skipped} skipped`)
    this.push(null)
    return this
  }

  #say(line) {
    this.push(`${line}\n`)
  }

  #watch(parser, path) {
    let lastChild
    parser.on('child', child => {
      lastChild = child.name
      this.#watch(child, [...path, child.name])
    })
    parser.on('assert', assertion => {
      const isParent = assertion.name === lastChild
      lastChild = undefined
      this.#countAssertion(assertion, isParent, path)
    })
    if (path.length !== 1) return
    parser.on('complete', result => {
      this.#count.files++
      if (!result.ok) this.#count.failedFiles++
      this.#say(`${result.ok ? 'ok    ' : 'FAILED'} ${path[0]} ${Math.round(result.time ?? 0)} ms`)
    })
  }

  // A parent's own line repeats what its children said, unless the file itself died or timed out.
  #countAssertion(assertion, isParent, path) {
    const died = assertion.diag?.exitCode || assertion.diag?.signal || assertion.tapError
    if (isParent && (assertion.ok || path.length > 0 || !died)) return
    if (assertion.skip || assertion.todo) this.#count.skipped++
    else if (assertion.ok) this.#count.passed++
    else {
      this.#count.failed++
      const detail = JSON.stringify(assertion.diag ?? {}, null, 1)
      this.#say(`not ok ${[...path, assertion.name].join(' > ')}\n${detail}`)
    }
  }
}
