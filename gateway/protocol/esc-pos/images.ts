import type { Token } from './lexer.js'

/** An image on a receipt; eight dots a byte. */
export interface PrintedImage {
  readonly widthBytes: number
  readonly height: number
}

type Command = Extract<Token, { type: 'command' }>

/** What a command does about images. */
export type ImageStep =
  | { readonly type: 'printed'; readonly image: PrintedImage | undefined }
  | { readonly type: 'stored'; readonly image: PrintedImage }
  /** What was stored is printed. */
  | { readonly type: 'flushed' }

const RASTER = 112
const COLUMNS = 113

export function imageStep({ name, args }: Command): ImageStep | undefined {
  const word = (at: number): number => (args[at] ?? 0) + 256 * (args[at + 1] ?? 0)
  switch (name) {
    case 'GS v':
      return { type: 'printed', image: { widthBytes: word(2), height: word(4) } }
    case 'ESC *': {
      const height = args[0] === 32 || args[0] === 33 ? 24 : 8
      return { type: 'printed', image: { widthBytes: Math.ceil(word(1) / 8), height } }
    }
    // A logo that the printer holds.
    case 'FS p':
    case 'GS /':
      return { type: 'printed', image: undefined }
    case 'GS (':
      return args[0] === 0x4c ? graphics(args.subarray(3)) : undefined
    case 'GS 8':
      return graphics(args.subarray(5))
    default:
      return undefined
  }
}

/** GS ( L and GS 8 L: m fn, then a bx by c and the size in dots. */
function graphics(data: Uint8Array): ImageStep | undefined {
  const word = (at: number): number => (data[at] ?? 0) + 256 * (data[at + 1] ?? 0)
  switch (data[1]) {
    case RASTER:
    case COLUMNS:
      return { type: 'stored', image: { widthBytes: Math.ceil(word(6) / 8), height: word(8) } }
    case 2:
    case 50:
      return { type: 'flushed' }
    // What the printer holds, by its key.
    case 69:
    case 85:
      return { type: 'printed', image: undefined }
    default:
      return undefined
  }
}
