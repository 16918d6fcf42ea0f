import type { ErrorCode } from '../core/errors.js'

/** Where a connection stands. `reason` says why not `online`, in words for the status. */
export type MqttState =
  | { readonly type: 'stopped' }
  | { readonly type: 'connecting'; readonly reason?: string; readonly code?: ErrorCode }
  | {
      readonly type: 'online'
      readonly protocol: '5' | '3.1.1'
      /** Counts connections: a new number means hello again. */
      readonly session: number
      /** min(our window, the broker's Receive Maximum): QoS 1 messages that may be in flight. */
      readonly window: number
      /** Bytes of a packet at most: our limit, or the broker's Maximum Packet Size if smaller. */
      readonly packetBytes: number
    }

export interface MqttMessage {
  readonly topic: string
  readonly payload: Uint8Array | string
  readonly retain?: boolean
  /** Correlation data of MQTT 5 (§4.10); an older protocol has none, and leaves it out. */
  readonly correlation?: Uint8Array
}

export interface Delivery {
  readonly topic: string
  readonly payload: Uint8Array
  readonly retained: boolean
  /** Where the sender wants an answer, and what it wants back with it (MQTT 5 §4.10). */
  readonly reply?: { readonly topic: string; readonly correlation?: Uint8Array }
}

/**
 * One supervised connection to a broker: reconnects for ever with back-off, falls back from MQTT 5
 * to 3.1.1, replaces a client that latched. It stores nothing: what was not acknowledged is the
 * caller's to send again. The uplink, HQ and tests speak through this; the simulation has its own.
 */
export interface MqttConnection {
  readonly state: MqttState
  /** Called with every change, and at once with the present state; returns the way to stop. */
  onState(listener: (state: MqttState) => void): () => void
  /**
   * QoS 1; resolves on PUBACK. At most `window` are in flight, more wait their turn.
   * @throws TillbridgeError TB_MQTT_CLOSED (not connected, or lost before the PUBACK),
   * TB_MQTT_DENIED (a reason code of 128 or more) or TB_MQTT_TOO_LARGE (beyond `packetBytes`)
   */
  publish(message: MqttMessage): Promise<void>
  /**
   * QoS 1, subscribed anew at every connect, before the state says `online`; returns the way to
   * stop. Deliveries are handed over one at a time in order of arrival, and the PUBACK waits for
   * the promise of the handler; one that rejects is logged and counts as delivered. A handler must
   * not await `publish`: its PUBACK would stand in line behind the delivery. A filter that the
   * broker refuses ends the connection, with that as its reason; where `onRefused` is given it is
   * told instead.
   */
  subscribe(
    filter: string,
    handler: (delivery: Delivery) => Promise<void> | void,
    onRefused?: () => void,
  ): () => void
  start(): void
  /** Says farewell where the broker still listens, and never hangs: at most `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>
}
