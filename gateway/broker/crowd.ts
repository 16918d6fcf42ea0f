import type { Socket } from 'node:net'
import type { Clock } from '../core/clock.js'
import { placeOf } from './doors.js'

interface Guest {
  readonly socket: Socket
  /** Its time to speak MQTT is no longer counted. */
  readonly inTime: () => void
  /** Who it is; undefined before its CONNECT was accepted. */
  name: string | undefined
}

/**
 * All connections of a broker. Who has not said yet who it is waits in a lobby of limited size: a
 * flood of them pushes out its own, of the address that has most there, and nobody who is inside.
 */
export class Crowd {
  readonly #clock: Clock
  readonly #most: number
  readonly #mostWaiting: number
  readonly #connectMs: number
  /** By place, in the order in which they came. */
  readonly #guests = new Map<string, Guest>()
  #turnedAway = 0

  constructor(options: {
    readonly clock: Clock
    readonly most: number
    readonly mostWaiting: number
    /** Time for what comes before MQTT: the handshake of TLS, the head of an HTTP request. */
    readonly connectMs: number
  }) {
    this.#clock = options.clock
    this.#most = options.most
    this.#mostWaiting = options.mostWaiting
    this.#connectMs = options.connectMs
  }

  /** Connections that were closed for want of room since the broker started. */
  get turnedAway(): number {
    return this.#turnedAway
  }

  enter(socket: Socket): void {
    const place = placeOf(socket)
    const inTime = this.#clock.after(this.#connectMs, () => socket.destroy())
    const guest: Guest = { socket, inTime, name: undefined }
    this.#guests.set(place, guest)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      inTime()
      if (this.#guests.get(place) === guest) this.#guests.delete(place)
    })
    const waiting = [...this.#guests.values()].filter(({ name }) => name === undefined)
    const isFull = waiting.length > this.#mostWaiting || this.#guests.size > this.#most
    if (isFull) this.#turnAway(waiting)
  }

  /** It speaks MQTT: from here on the broker waits for its CONNECT. */
  knocked(place: string): void {
    this.#guests.get(place)?.inTime()
  }

  /** False where this client has as many connections as it may have. */
  settle(place: string, { name, most }: { readonly name: string; readonly most: number }): boolean {
    const same = [...this.#guests.values()].filter(guest => guest.name === name)
    if (same.length >= most) this.#turnedAway += 1
    if (same.length >= most) return false
    const guest = this.#guests.get(place)
    if (guest !== undefined) guest.name = name
    return true
  }

  scatter(): void {
    for (const { socket } of this.#guests.values()) socket.destroy()
  }

  /** The one that has waited longest, of the address with most of those that wait. */
  #turnAway(waiting: readonly Guest[]): void {
    const byAddress = new Map<string, Guest[]>()
    for (const guest of waiting) {
      const address = guest.socket.remoteAddress ?? ''
      byAddress.set(address, [...(byAddress.get(address) ?? []), guest])
    }
    const [crowded = []] = [...byAddress.values()].sort((one, other) => other.length - one.length)
    const [first] = crowded
    if (first === undefined) return
    this.#turnedAway += 1
    this.#guests.delete(placeOf(first.socket))
    first.socket.destroy()
  }
}
