import { decodeTable, EPSON_TABLES, type Guess, isProbably } from './code-tables.js'
import { linearCode, type PrintedCode, squareStep } from './codes.js'
import { BEL, CAN, CR, FF, HT, LF } from './commands.js'
import { markOf } from './framer.js'
import { imageStep, type PrintedImage } from './images.js'
import { type Token, tokensIn } from './lexer.js'
import { inNationalSet } from './national-sets.js'
import { requestOf, type StatusRequest } from './status.js'

export type Align = 'left' | 'center' | 'right'

export interface PrintedLine {
  readonly text: string
  readonly align: Align
}

/** What a piece of a printer's stream put on paper, and what else it did. */
export interface Printout {
  /** Without blanks behind them; empty lines are there, too. */
  readonly lines: readonly PrintedLine[]
  readonly codes: readonly PrintedCode[]
  /** Without a size where the printer has the image. */
  readonly images: readonly (PrintedImage | undefined)[]
  readonly cuts: number
  readonly feeds: number
  /** The pins of the drawers that were opened, in order. */
  readonly drawers: readonly number[]
  readonly buzzes: { readonly bell: number; readonly buzzer: number }
  readonly requests: readonly StatusRequest[]
  /** Commands that nobody knows, that are not whole, or that make no sense. */
  readonly warnings: number
  /** What the first text that is no ASCII was written in. */
  readonly encoding: string | undefined
}

export interface TextOptions {
  /** What ESC t selects, where it is not as Epson numbers it. */
  readonly codePages: Readonly<Record<string, string>>
  /** Of text in the double-byte mode (FS &). */
  readonly doubleByte: string
  /** What text may be in that no code page was selected for, before the printer's first one. */
  readonly guesses: readonly Guess[]
}

const TAB_COLUMNS = 8
const ALIGNS: readonly Align[] = ['left', 'center', 'right']

export function readPrintout(bytes: Uint8Array, options: TextOptions): Printout {
  const press = new Press(options)
  const tokens = tokensIn(bytes)
  for (const { token } of tokens) press.take(token)
  const read = tokens.reduce((sum, { size }) => sum + size, 0)
  if (read < bytes.length) press.warn()
  return press.printout()
}

/** The state of a printer, as far as it matters for the text. */
class Press {
  readonly #options: TextOptions
  readonly #lines: PrintedLine[] = []
  readonly #codes: PrintedCode[] = []
  readonly #images: (PrintedImage | undefined)[] = []
  readonly #drawers: number[] = []
  readonly #requests: StatusRequest[] = []
  readonly #stored = new Map<string, PrintedCode>()
  #storedImage: PrintedImage | undefined
  #text = ''
  #align: Align = 'left'
  #table: number | undefined
  #isDoubleByte = false
  #nationalSet = 0
  #isAfterReturn = false
  /** Lines before the page that is being made up, in page mode. */
  #linesBeforePage: number | undefined
  #cuts = 0
  #feeds = 0
  #bell = 0
  #buzzer = 0
  #warnings = 0
  #encoding: string | undefined

  constructor(options: TextOptions) {
    this.#options = options
  }

  warn(): void {
    this.#warnings += 1
  }

  take(token: Token): void {
    const isAfterReturn = this.#isAfterReturn
    this.#isAfterReturn = false
    switch (token.type) {
      case 'text':
        this.#text += this.#decode(token.bytes)
        break
      case 'control':
        this.#control(token.byte, isAfterReturn)
        break
      case 'command':
        this.#command(token)
        break
      case 'unknown':
      case 'oversized':
        this.warn()
        break
    }
  }

  printout(): Printout {
    this.#endPending()
    return {
      lines: this.#lines,
      codes: this.#codes,
      images: this.#images,
      cuts: this.#cuts,
      feeds: this.#feeds,
      drawers: this.#drawers,
      buzzes: { bell: this.#bell, buzzer: this.#buzzer },
      requests: this.#requests,
      warnings: this.#warnings,
      encoding: this.#encoding,
    }
  }

  #decode(bytes: Uint8Array): string {
    const isAscii = bytes.every(byte => byte < 0x80)
    if (isAscii && !this.#isDoubleByte) {
      const text = Buffer.from(bytes).toString('latin1').replaceAll('\x7f', '')
      return inNationalSet(text, this.#nationalSet)
    }
    const encoding = this.#encodingOf(bytes)
    if (!isAscii) this.#encoding ??= encoding
    return inNationalSet(decodeTable(bytes, encoding), this.#nationalSet)
  }

  #encodingOf(bytes: Uint8Array): string {
    const { doubleByte, guesses, codePages } = this.#options
    if (this.#isDoubleByte) return doubleByte
    const guess = guesses.find(one => isProbably(bytes, one))
    if (this.#table === undefined && guess !== undefined) return guess
    const table = this.#table ?? 0
    return codePages[table] ?? EPSON_TABLES[table] ?? 'ascii'
  }

  #control(byte: number, isAfterReturn: boolean): void {
    switch (byte) {
      case LF:
        if (!isAfterReturn) this.#endLine()
        break
      case CR:
        this.#isAfterReturn = isAfterReturn || this.#text !== ''
        this.#endPending()
        break
      case FF:
        this.#endPending()
        this.#linesBeforePage = undefined
        break
      case HT: {
        const columns = TAB_COLUMNS - (this.#text.length % TAB_COLUMNS)
        this.#text += ' '.repeat(columns)
        break
      }
      case BEL:
        this.#bell += 1
        break
      case CAN:
        this.#discardPage()
        break
      case 0:
        break
      default:
        this.warn()
    }
  }

  #command(token: Extract<Token, { type: 'command' }>): void {
    const { name, args } = token
    const [argument = 0] = args
    const request = requestOf(token)
    if (request !== undefined) this.#requests.push(request)
    const mark = markOf(token)
    if (mark === 'cut') this.#cut()
    // DLE DC4 1 has its function before the pin.
    if (mark === 'drawer') this.#drawers.push((name === 'ESC p' ? argument : (args[1] ?? 0)) & 1)
    const image = imageStep(token)
    if (image !== undefined) this.#image(image)
    switch (name) {
      case 'GS k':
        this.#endPending()
        this.#codes.push(linearCode(args))
        break
      case 'GS (':
        if (argument === 0x6b) this.#square(args)
        break
      case 'ESC (':
        if (argument === 0x41) this.#buzzer += 1
        break
      case 'ESC d':
      case 'ESC J':
      case 'ESC K':
        this.#feed(name === 'ESC d' ? argument : 1)
        break
      default:
        this.#style(name, argument)
    }
  }

  #style(name: string, argument: number): void {
    switch (name) {
      case 'ESC @':
        this.#endPending()
        this.#align = 'left'
        this.#table = undefined
        this.#isDoubleByte = false
        this.#nationalSet = 0
        break
      case 'ESC a':
        this.#align = ALIGNS[argument % 0x30] ?? this.#align
        break
      case 'ESC t':
        this.#table = argument
        break
      case 'ESC R':
        this.#nationalSet = argument
        break
      case 'FS &':
      case 'FS .':
        this.#isDoubleByte = name === 'FS &'
        break
      case 'ESC L':
        this.#endPending()
        this.#linesBeforePage = this.#lines.length
        break
      case 'ESC S':
        this.#discardPage()
        this.#linesBeforePage = undefined
        break
      case 'ESC FF':
        this.#endPending()
        if (this.#linesBeforePage !== undefined) this.#linesBeforePage = this.#lines.length
        break
    }
  }

  #cut(): void {
    this.#endPending()
    this.#cuts += 1
  }

  /** ESC d 0 ends the line that is pending, like ESC d 1. */
  #feed(count: number): void {
    this.#feeds += 1
    this.#endLine()
    for (let line = 1; line < count; line += 1) this.#endLine()
  }

  #image(step: Exclude<ReturnType<typeof imageStep>, undefined>): void {
    if (step.type === 'stored') {
      this.#storedImage = step.image
      return
    }
    this.#endPending()
    if (step.type === 'printed') this.#images.push(step.image)
    else if (this.#storedImage === undefined) this.warn()
    else this.#images.push(this.#storedImage)
  }

  #square(args: Uint8Array): void {
    const step = squareStep(args)
    if (step.type === 'stored') this.#stored.set(step.code.symbology, step.code)
    if (step.type !== 'printed') return
    const code = this.#stored.get(step.symbology)
    this.#endPending()
    if (code === undefined) this.warn()
    else this.#codes.push(code)
  }

  #discardPage(): void {
    if (this.#linesBeforePage === undefined) return
    this.#text = ''
    this.#lines.length = this.#linesBeforePage
  }

  #endPending(): void {
    if (this.#text !== '') this.#endLine()
  }

  #endLine(): void {
    this.#lines.push({ text: this.#text.trimEnd(), align: this.#align })
    this.#text = ''
  }
}
