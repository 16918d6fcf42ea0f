import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { openDatabase } from '../../gateway/core/database.js'
import { needlesOf, TEST_CARDS } from './test-cards.js'

/** Everything that a shop and its HQ kept, said or sent, searched for test cards. */
export class CardSearch {
  readonly #places = new Map<string, string>()

  add(place: string, bytes: Uint8Array | string): void {
    const text = Buffer.from(bytes).toString('latin1').toLowerCase()
    this.#places.set(place, `${this.#places.get(place) ?? ''}\n${text}`)
  }

  /** An MQTT message, and what is packed in it. */
  message(place: string, topic: string, payload: Uint8Array): void {
    const isPacked = payload[0] === 0x1f && payload[1] === 0x8b
    this.add(place, topic)
    this.add(place, isPacked ? gunzipSync(payload) : payload)
  }

  /** Every file below a directory, as it lies on the disk. */
  files(directory: string): void {
    // The reserve is written before the first terminal speaks, and large.
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
      if (entry.isFile() && entry.name !== 'reserve') {
        const path = join(entry.parentPath, entry.name)
        this.add(path, readFileSync(path))
      }
  }

  /** Every key and value of a LevelDB directory: in its tables they may be compressed. */
  async values(directory: string): Promise<void> {
    const opened = await openDatabase(directory)
    if (!opened.ok) throw new Error(opened.error.message)
    for await (const [key, value] of opened.value.iterator({}))
      for (const part of [key, value]) this.add(`${directory} (values)`, part)
    await opened.value.close()
  }

  /** Where one of the texts stands. */
  placesOf(texts: readonly string[]): readonly string[] {
    return [...this.#places].flatMap(([place, content]) =>
      texts
        .filter(text => content.includes(text.toLowerCase()))
        .map(text => `${text} in ${place}: ${around(content, text.toLowerCase())}`),
    )
  }

  /** Where a test card stands, in any writing. */
  cards(): readonly string[] {
    return this.placesOf(TEST_CARDS.flatMap(needlesOf))
  }

  get size(): number {
    return [...this.#places.values()].reduce((sum, content) => sum + content.length, 0)
  }
}

function around(content: string, text: string): string {
  const at = content.indexOf(text)
  return JSON.stringify(content.slice(Math.max(0, at - 120), at + text.length + 40))
}
