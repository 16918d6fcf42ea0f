import { mqttConnectionContract } from '../contract/mqtt-connection.js'
import { freePort, startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'

mqttConnectionContract({
  name: 'mosquitto, MQTT 5',
  protocol: '5',
  startBroker: async () => {
    const port = await freePort()
    let broker = await startMosquitto({ port })
    return {
      port,
      stop: () => broker.stop(),
      restart: async () => {
        broker = await startMosquitto({ port })
      },
    }
  },
  connect: (port, patienceMs) => connectTo({ port, connectMs: patienceMs, pubackMs: patienceMs }),
})
