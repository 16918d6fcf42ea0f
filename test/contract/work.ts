import assert from 'node:assert/strict'

/**
 * How many bytes `run` looked at or copied through the methods of typed arrays and buffers. A
 * measure of work that is the same on every machine, where a stopwatch is not.
 */
export function workOf(run: () => void): number {
  let work = 0
  const typedArray: object = Object.getPrototypeOf(Uint8Array.prototype)
  const restores = [
    ...([typedArray, Buffer.prototype] as const).map(holder =>
      wrap(holder, 'indexOf', (self, [, from], found) => {
        const start = typeof from === 'number' ? from : 0
        work += typeof found === 'number' && found >= 0 ? found - start + 1 : self.length - start
      }),
    ),
    wrap(typedArray, 'set', (_self, [source]) => {
      work += source instanceof Uint8Array ? source.length : 0
    }),
    ...([Symbol.iterator, 'every', 'slice', 'toReversed'] as const).map(key =>
      wrap(typedArray, key, self => {
        work += self.length
      }),
    ),
  ]
  try {
    run()
  } finally {
    for (const restore of restores) restore()
  }
  return work
}

type Observe = (self: Uint8Array, args: readonly unknown[], result: unknown) => void

function wrap(holder: object, key: PropertyKey, observe: Observe): () => void {
  const descriptor = Object.getOwnPropertyDescriptor(holder, key)
  assert(descriptor !== undefined)
  const original: unknown = descriptor.value
  assert(typeof original === 'function')
  const observed = function (this: Uint8Array, ...args: unknown[]): unknown {
    const result: unknown = Reflect.apply(original, this, args)
    observe(this, args, result)
    return result
  }
  Object.defineProperty(holder, key, { ...descriptor, value: observed })
  return () => Object.defineProperty(holder, key, descriptor)
}
