import { type BluezBus, BusError, type ExportedReply } from './bluez-bus.js'

const PATH = '/tillbridge/agent'
const REFUSED = 'org.bluez.Error.Rejected'
const NOTHING: ExportedReply = { signature: '', body: [] }

/**
 * How a terminal is bonded with: not at all, without asking, by the six digits that it shows and
 * the configuration has, or by somebody who sees both sides.
 */
export type Pairing = 'none' | 'just-works' | { readonly passkey: number } | PairingDialog

export interface PairingDialog {
  /** What the terminal shows; undefined where nobody says it. */
  askPasskey(): Promise<number | undefined>
  /** Whether the terminal shows this number, too. */
  isShown(passkey: number): Promise<boolean>
  /** What is to be typed at the terminal. */
  show(passkey: number): void
}

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

  async #answer(member: string, body: readonly unknown[]): Promise<ExportedReply> {
    if (member === 'Release' || member === 'Cancel') return NOTHING
    const pairing = this.#expected.get(String(body[0]))
    if (pairing === undefined || pairing === 'none')
      throw new BusError(REFUSED, 'nobody here pairs with it')
    const dialog = dialogOf(pairing)
    switch (member) {
      case 'RequestPasskey':
      case 'RequestPinCode': {
        const passkey = await dialog.askPasskey()
        if (passkey === undefined) throw new BusError(REFUSED, 'it wants a passkey: none is known')
        return member === 'RequestPasskey'
          ? { signature: 'u', body: [passkey] }
          : { signature: 's', body: [sixDigits(passkey)] }
      }
      case 'RequestConfirmation':
        if (await dialog.isShown(Number(body[1]))) return NOTHING
        throw new BusError(REFUSED, 'it shows another passkey')
      case 'DisplayPasskey':
      case 'DisplayPinCode':
        dialog.show(Number(body[1]))
        return NOTHING
      default:
        return NOTHING
    }
  }
}

export function sixDigits(passkey: number): string {
  return String(passkey).padStart(6, '0')
}

function dialogOf(pairing: Exclude<Pairing, 'none'>): PairingDialog {
  if (pairing !== 'just-works' && 'askPasskey' in pairing) return pairing
  const passkey = pairing === 'just-works' ? undefined : pairing.passkey
  return {
    askPasskey: async () => passkey,
    isShown: async shown => passkey === undefined || shown === passkey,
    show: () => undefined,
  }
}
