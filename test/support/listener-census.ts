import { EventEmitter } from 'node:events'

const known = new WeakSet<EventEmitter>()
const emitters = new Set<WeakRef<EventEmitter>>()

/** From the moment that this module is loaded, every emitter that anybody listens to is noted. */
const { on } = EventEmitter.prototype
function noted(this: EventEmitter, ...given: Parameters<typeof on>): EventEmitter {
  if (!known.has(this)) {
    known.add(this)
    emitters.add(new WeakRef(this))
  }
  return Reflect.apply(on, this, given)
}
Object.assign(EventEmitter.prototype, { on: noted, addListener: noted })

/** Listeners of all emitters that live. */
export function countListeners(): number {
  let count = 0
  for (const reference of emitters) {
    const emitter = reference.deref()
    if (emitter === undefined) emitters.delete(reference)
    else for (const name of emitter.eventNames()) count += emitter.listenerCount(name)
  }
  return count
}
