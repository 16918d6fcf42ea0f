import { concatBytes, equalBytes } from '../../core/bytes.js'
import type { Link, LinkInput, LinkStep } from '../../line/link/link.js'
import { unsupported } from '../../line/link/unsupported.js'
import { addressOf, type MdbMessage, peripheralAt, readCommand } from './mdb-command.js'
import { NAK, readMdbPayload } from './mdb-frame.js'
import { readResponse } from './mdb-response.js'

/** What was heard of one cashless reader and still matters: the payloads themselves. */
interface Reader {
  readonly config?: Uint8Array
  readonly request?: Uint8Array
  readonly approval?: Uint8Array
}

export interface MdbState {
  /** Whom the controller spoke to last: a peripheral's message has no address. */
  readonly address: number
  readonly readers: Readonly<Record<number, Reader>>
  /** Delivered, and not acknowledged on the bus yet: said again it is the same. */
  readonly delivered: Uint8Array | undefined
}

/**
 * Listens on an MDB bus and never speaks. Of the dialogue with a cashless reader it keeps what a
 * vend needs, and delivers it together when the controller says how the vend ended. An approval is
 * no sale: the product may not come.
 */
export const mdbLink: Link<MdbState> = {
  initial: { address: 0, readers: {}, delivered: undefined },
  answers: false,
  next: (state, input) => {
    if (input.type === 'commanded') return unsupported(state, input.command)
    if (input.type !== 'framed' || input.output.type !== 'frame') return { state, effects: [] }
    return framed(state, input.output)
  },
}

/** What is delivered: each payload behind its length. */
function joinPayloads(payloads: readonly Uint8Array[]): Uint8Array {
  return concatBytes(payloads.flatMap(payload => [Uint8Array.of(payload.length), payload]))
}

type Frame = Extract<Extract<LinkInput, { type: 'framed' }>['output'], { type: 'frame' }>

function framed(state: MdbState, { payload }: Frame): LinkStep<MdbState> {
  const said = readMdbPayload(payload)
  if (said === undefined) return { state, effects: [] }
  if (said.speaker === 'peripheral') return { state: answered(state, payload), effects: [] }
  if (said.isSingle) return { state, effects: [] }
  const { address } = addressOf(said.data)
  const at = { ...state, address }
  const command = readCommand(said.data)
  if (peripheralAt(address) !== 'cashless' || command === undefined)
    return { state: { ...at, delivered: undefined }, effects: [] }
  return commanded(at, { command, payload })
}

function answered(state: MdbState, payload: Uint8Array): MdbState {
  const said = readMdbPayload(payload)
  // It will be said again.
  if (said?.isSingle && said.data[0] === NAK) return state
  const heard = { ...state, delivered: undefined }
  if (said === undefined || said.isSingle || peripheralAt(state.address) !== 'cashless')
    return heard
  switch (readResponse('cashless', said.data)?.name) {
    case 'reader-config':
      return withReader(heard, { config: payload })
    case 'vend-approved':
      return withReader(heard, { approval: payload })
    default:
      return heard
  }
}

function commanded(
  state: MdbState,
  { command, payload }: { readonly command: MdbMessage; readonly payload: Uint8Array },
): LinkStep<MdbState> {
  const { config, request, approval } = state.readers[state.address] ?? {}
  const isAgain = state.delivered !== undefined && equalBytes(state.delivered, payload)
  switch (command.name) {
    case 'vend-request':
      return { state: withReader(cleared(state), { request: payload }), effects: [] }
    case 'vend-success':
    case 'vend-failure':
    case 'cash-sale': {
      // The bus repeats what was not acknowledged: that is the same vend.
      if (isAgain) return { state, effects: [] }
      const dialogue = command.name === 'cash-sale' ? [] : [request, approval]
      const parts = [config, ...dialogue, payload].filter(part => part !== undefined)
      const joined = joinPayloads(parts)
      return {
        state: { ...cleared(state), delivered: payload },
        effects: [{ type: 'deliver', payload: joined, raw: joined }],
      }
    }
    case 'vend-cancel':
    case 'session-complete':
    case 'reset':
      return { state: { ...cleared(state), delivered: undefined }, effects: [] }
    default:
      return { state: { ...state, delivered: undefined }, effects: [] }
  }
}

/** The vend is over; what the reader is stays. */
function cleared(state: MdbState): MdbState {
  const { config } = state.readers[state.address] ?? {}
  const reader = config === undefined ? {} : { config }
  return { ...state, readers: { ...state.readers, [state.address]: reader } }
}

function withReader(state: MdbState, change: Reader): MdbState {
  const reader = { ...state.readers[state.address], ...change }
  return { ...state, readers: { ...state.readers, [state.address]: reader } }
}
