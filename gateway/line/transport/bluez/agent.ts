import { type BluezBus, BusError, type ExportedReply } from './bluez-bus.js'

const PATH = '/tillbridge/agent'
const REFUSED = 'org.bluez.Error.Rejected'
const NOTHING: ExportedReply = { signature: '', body: [] }

/** How a terminal is bonded with: not at all, without asking, or by the six digits it shows. */
export type Pairing = 'none' | 'just-works' | { readonly passkey: number }

/**
 * What BlueZ asks when a terminal pairs (org.bluez.Agent1). Only devices that are being paired with
 * on purpose are answered; whoever else comes is refused.
 */
export class PairingAgent {
  readonly #expected = new Map<string, Pairing>()

  /** @throws BusError */
  async register(bus: BluezBus): Promise<void> {
    bus.export(PATH, (member, body) => this.#answer(member, body))
    await bus.call({
      path: '/org/bluez',
      interface: 'org.bluez.AgentManager1',
      member: 'RegisterAgent',
      signature: 'os',
      body: [PATH, 'KeyboardDisplay'],
    })
  }

  /** While `work` pairs with this device, it is answered as the policy says. */
  async during<Value>(
    device: { readonly path: string; readonly pairing: Pairing },
    work: () => Promise<Value>,
  ): Promise<Value> {
    this.#expected.set(device.path, device.pairing)
    try {
      return await work()
    } finally {
      this.#expected.delete(device.path)
    }
  }

  #answer(member: string, body: readonly unknown[]): ExportedReply {
    if (member === 'Release' || member === 'Cancel') return NOTHING
    const pairing = this.#expected.get(String(body[0]))
    if (pairing === undefined || pairing === 'none')
      throw new BusError(REFUSED, 'nobody here pairs with it')
    if (member === 'RequestPasskey' && pairing !== 'just-works')
      return { signature: 'u', body: [pairing.passkey] }
    if (member === 'RequestPinCode' && pairing !== 'just-works')
      return { signature: 's', body: [String(pairing.passkey).padStart(6, '0')] }
    if (member === 'RequestConfirmation' && pairing !== 'just-works' && body[1] !== pairing.passkey)
      throw new BusError(REFUSED, 'it shows another passkey than the configuration has')
    if (member === 'RequestPasskey' || member === 'RequestPinCode')
      throw new BusError(REFUSED, 'it wants a passkey, and the configuration has none')
    return NOTHING
  }
}
