import { FULL_ACCESS } from '../../gateway/broker/access-rules.js'
import { LocalBroker } from '../../gateway/broker/local-broker.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { mqttConnectionContract } from '../contract/mqtt-connection.js'
import { freePort } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'

mqttConnectionContract({
  name: 'aedes, 3.1.1 after MQTT 5 was refused',
  protocol: '3.1.1',
  startBroker: async () => {
    const port = await freePort()
    const broker = new LocalBroker({
      id: 'test',
      listen: { host: '127.0.0.1', port },
      clients: [],
      anonymous: FULL_ACCESS,
      logger: silentLogger,
      random: systemRandom,
    })
    await broker.start()
    return { port, stop: () => broker.stop(), restart: () => broker.start() }
  },
  connect: (port, patienceMs) => connectTo({ port, connectMs: patienceMs, pubackMs: patienceMs }),
})
