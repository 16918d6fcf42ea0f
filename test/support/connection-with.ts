import type { MqttConnection } from '../../gateway/mqtt/connection.js'

/** A connection that publishes in a way of its own; the rest goes to the real one. */
export function connectionWith(
  connection: MqttConnection,
  publish: MqttConnection['publish'],
): MqttConnection {
  return {
    get state() {
      return connection.state
    },
    onState: listener => connection.onState(listener),
    subscribe: (filter, handler, onRefused) => connection.subscribe(filter, handler, onRefused),
    start: () => connection.start(),
    stop: timeoutMs => connection.stop(timeoutMs),
    publish,
  }
}
