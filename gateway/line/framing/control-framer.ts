import type { Framer, FramerOutput } from './framer.js'

/**
 * Bytes that are whole answers where no frame is under way: ACK, NAK, ENQ, EOT. Each becomes a
 * frame of its own, whose payload is the byte; everything else is the inner framer's.
 */
export class ControlFramer implements Framer {
  readonly #inner: Framer
  readonly #controls: Uint8Array

  constructor(options: { readonly inner: Framer; readonly controls: Uint8Array }) {
    this.#inner = options.inner
    this.#controls = options.controls
  }

  get bufferedBytes(): number {
    return this.#inner.bufferedBytes
  }

  push(chunk: Uint8Array): readonly FramerOutput[] {
    return this.#inner.push(chunk).flatMap(output => this.#split(output))
  }

  idle(): readonly FramerOutput[] {
    return this.#inner.idle().flatMap(output => this.#split(output))
  }

  #split(output: FramerOutput): readonly FramerOutput[] {
    if (output.type === 'frame' || output.reason !== 'noise') return [output]
    const { raw } = output
    const outputs: FramerOutput[] = []
    let start = 0
    const discardUpTo = (end: number): void => {
      if (end > start)
        outputs.push({ type: 'discarded', reason: 'noise', raw: raw.subarray(start, end) })
    }
    for (let at = 0; at < raw.length; at += 1) {
      if (!this.#controls.includes(raw[at] ?? 0)) continue
      discardUpTo(at)
      const byte = raw.subarray(at, at + 1)
      outputs.push({ type: 'frame', payload: byte, raw: byte })
      start = at + 1
    }
    discardUpTo(raw.length)
    return outputs
  }
}
