import { concatBytes } from '../../gateway/core/bytes.js'
import { systemClock } from '../../gateway/core/clock.js'
import { NullModem } from '../../gateway/line/transport/null-modem.js'
import type { Rig } from '../contract/transport.js'

const signal = new AbortController().signal

/** A cable in memory with a device at its other end. */
export async function createRig(): Promise<Rig> {
  const modem = new NullModem({ clock: systemClock })
  const [transport, device] = modem.ends
  const received: Uint8Array[] = []
  let far = await device.connect(signal)
  const listen = async (): Promise<void> => {
    for await (const { bytes } of far) received.push(bytes)
  }
  let listening = listen()
  return {
    transport,
    connect: () => transport.connect(signal),
    send: bytes => void far.write(bytes),
    received: () => concatBytes(received),
    lose: () => modem.cut(),
    restore: async () => {
      modem.cut()
      await listening.catch(() => undefined) // It was just cut.
      far = await device.connect(signal)
      listening = listen()
    },
    dispose: async () => {
      await far.close()
      await listening.catch(() => undefined) // The test may have cut it.
    },
  }
}
