import type { Framer, FramerOutput } from '../../line/framing/framer.js'
import { LF } from './commands.js'
import { type Token, tokenAt } from './lexer.js'

export interface EscPosFraming {
  readonly maxReceiptBytes: number
  /** ASCII in the last line of each receipt, for a printer without a cutter. */
  readonly footer?: string
}

/** What a token does to the paper, as far as the borders of receipts go. */
export type Mark = 'cut' | 'drawer' | 'print' | 'none'

/** Older printers cut by ESC i and ESC m. */
const CUTS: ReadonlySet<string> = new Set(['GS V', 'ESC i', 'ESC m'])
const PRINTS: ReadonlySet<string> = new Set(['GS k', 'GS v', 'ESC *', 'GS 8', 'GS /', 'FS p'])
/** GS ( k are codes, GS ( L images; what else is written so are settings. */
const PRINTING_SETS: readonly number[] = [0x6b, 0x4c]

export function markOf(token: Token): Mark {
  if (token.type === 'text') return token.bytes.some(byte => byte > 0x20) ? 'print' : 'none'
  if (token.type !== 'command') return 'none'
  if (CUTS.has(token.name)) return 'cut'
  if (token.name === 'ESC p') return 'drawer'
  if (token.name === 'DLE DC4') return token.args[0] === 1 ? 'drawer' : 'none'
  const isPrint = token.name === 'GS (' && PRINTING_SETS.includes(token.args[0] ?? 0)
  return isPrint || PRINTS.has(token.name) ? 'print' : 'none'
}

const FIRST_BYTES = 1024

/**
 * A frame is what was printed up to a cut, to the line of the footer, or to a silence; its payload
 * is the bytes themselves. A drawer pulse before anything is printed is a frame of its own: it may
 * belong to the receipt before. What is longer than `maxReceiptBytes` is discarded up to its end.
 */
export class EscPosFramer implements Framer {
  readonly #longest: number
  readonly #footer: string | undefined
  #buffer = new Uint8Array(FIRST_BYTES)
  #end = 0
  /** Up to here the buffer is read, token by token. */
  #read = 0
  #hasPrinted = false
  #isTooLong = false
  /** The text of the line that is being printed, where a footer is looked for. */
  #line = ''

  constructor({ maxReceiptBytes, footer }: EscPosFraming) {
    this.#longest = maxReceiptBytes
    this.#footer = footer
  }

  get bufferedBytes(): number {
    return this.#end
  }

  push(chunk: Uint8Array): readonly FramerOutput[] {
    const outputs: FramerOutput[] = []
    // A chunk may be much longer than a receipt; the buffer is never longer than two.
    for (let at = 0; at < chunk.length; at += this.#longest) {
      this.#append(chunk.subarray(at, at + this.#longest))
      this.#readOn(outputs)
    }
    return outputs
  }

  idle(): readonly FramerOutput[] {
    const outputs: FramerOutput[] = []
    this.#take(0, this.#end, outputs)
    this.#shift(this.#end)
    return outputs
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#end + chunk.length
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2))
      larger.set(this.#buffer.subarray(0, this.#end))
      this.#buffer = larger
    }
    this.#buffer.set(chunk, this.#end)
    this.#end = needed
  }

  #readOn(outputs: FramerOutput[]): void {
    let start = 0
    while (this.#read < this.#end) {
      const place = { at: this.#read, end: this.#end, longest: this.#longest }
      const placed = tokenAt(this.#buffer, place)
      if (placed === 'unfinished') break
      const { token, size } = placed
      this.#read += size
      this.#isTooLong ||= token.type === 'oversized' || this.#read - start > this.#longest
      if (!this.#ends(token)) continue
      this.#take(start, this.#read, outputs)
      start = this.#read
    }
    this.#shift(start)
    if (this.#end <= this.#longest) return
    this.#isTooLong = true
    this.#discard(outputs)
  }

  #ends(token: Token): boolean {
    const mark = markOf(token)
    if (mark === 'cut') return true
    if (mark === 'drawer') return !this.#hasPrinted && !this.#isTooLong
    if (mark === 'print') this.#hasPrinted = true
    return this.#footer !== undefined && this.#endsFooter(token, this.#footer)
  }

  #endsFooter(token: Token, footer: string): boolean {
    if (token.type === 'text') {
      const text = this.#line + Buffer.from(token.bytes).toString('latin1')
      this.#line = text.includes(footer) ? footer : text.slice(-footer.length)
    }
    if (token.type !== 'control' || token.byte !== LF) return false
    const isFooter = this.#line.includes(footer)
    this.#line = ''
    return isFooter
  }

  /** What is whole becomes a frame, or the end of what is too long. */
  #take(from: number, to: number, outputs: FramerOutput[]): void {
    const isTooLong = this.#isTooLong
    this.#isTooLong = false
    this.#hasPrinted = false
    this.#line = ''
    if (from === to) return
    const raw = this.#buffer.slice(from, to)
    outputs.push(
      isTooLong
        ? { type: 'discarded', reason: 'too-long', raw }
        : { type: 'frame', payload: raw, raw },
    )
  }

  /** All that was read of what is too long; a command that is not whole yet stays. */
  #discard(outputs: FramerOutput[]): void {
    const raw = this.#buffer.slice(0, this.#read)
    if (raw.length > 0) outputs.push({ type: 'discarded', reason: 'too-long', raw })
    this.#shift(this.#read)
  }

  #shift(by: number): void {
    if (by === 0) return
    this.#buffer.copyWithin(0, by, this.#end)
    this.#end -= by
    this.#read = Math.max(0, this.#read - by)
  }
}
