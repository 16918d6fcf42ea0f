import sax from 'sax'
import { fail, ok, type Result } from '../../core/result.js'

export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
  /** Its own, without that of its children. */
  readonly text: string
}

interface Growing {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: Growing[]
  text: string
}

const MAX_DEPTH = 16
const MAX_ELEMENTS = 2000

/**
 * The root of a document. A document type is refused, and with it every entity but the five of
 * XML itself: nothing is fetched or expanded.
 */
export function parseXml(text: string): Result<XmlElement, string> {
  const parser = sax.parser(true)
  const open: Growing[] = []
  let root: Growing | undefined
  let elements = 0
  let failure: string | undefined
  const refuse = (reason: string): void => {
    failure ??= reason
  }
  parser.onerror = () => {
    refuse('not well-formed XML')
    parser.resume()
  }
  parser.ondoctype = () => refuse('a document type')
  parser.onopentag = ({ name, attributes }) => {
    elements += 1
    if (open.length >= MAX_DEPTH || elements > MAX_ELEMENTS) return refuse('too large a document')
    const values = Object.entries(attributes).map(([key, value]) => [key, String(value)])
    const element: Growing = {
      name,
      attributes: Object.fromEntries(values),
      children: [],
      text: '',
    }
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  }
  parser.onclosetag = () => {
    open.pop()
  }
  const append = (piece: string): void => {
    const element = open.at(-1)
    if (element !== undefined) element.text += piece
  }
  parser.ontext = append
  parser.oncdata = append
  parser.write(text).close()
  if (failure !== undefined) return fail(failure)
  return root === undefined ? fail('an empty document') : ok(root)
}

/** Itself and everything in it, in order. */
export function* elementsOf(element: XmlElement): Iterable<XmlElement> {
  yield element
  for (const child of element.children) yield* elementsOf(child)
}

/** The first of this name, at any depth. */
export function findElement(root: XmlElement, name: string): XmlElement | undefined {
  for (const element of elementsOf(root)) if (element.name === name) return element
  return undefined
}

export function attributeOf(element: XmlElement | undefined, name: string): string | undefined {
  return element?.attributes[name]
}

/** For an attribute or a text. */
export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
