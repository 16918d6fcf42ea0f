import t from 'tap'
import { filterCovers, filtersMeet, unshared } from '../../gateway/core/topic-filter.js'

// The examples of MQTT 3.1.1 §4.7.1 and §4.7.2, then filters against filters.
const CASES: readonly [outer: string, inner: string, covers: boolean][] = [
  ['sport/tennis/player1/#', 'sport/tennis/player1', true],
  ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
  ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
  ['sport/#', 'sport', true],
  ['sport/tennis/+', 'sport/tennis/player1', true],
  ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
  ['sport/+', 'sport', false],
  ['sport/+', 'sport/', true],
  ['+/+', '/finance', true],
  ['/+', '/finance', true],
  ['+', '/finance', false],
  ['#', '$SYS/broker', false],
  ['+/monitor/Clients', '$SYS/monitor/Clients', false],
  ['$SYS/#', '$SYS/broker', true],
  ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
  ['a/#', 'a/+/b', true],
  ['a/#', 'a/#', true],
  ['a/+', 'a/#', false],
  ['a/+/c', 'a/b/+', false],
  ['a/b', 'a/+', false],
  ['+/#', '#', false],
  ['#', '+/#', true],
  ['a', 'A', false],
  ['a/b', 'a', false],
]

for (const [outer, inner, covers] of CASES)
  t.equal(filterCovers(outer, inner), covers, `${outer} ${covers ? '' : 'not '}over ${inner}`)

t.equal(unshared('$share/group/a/+/b'), 'a/+/b')
t.equal(unshared('a/$share/group/b'), 'a/$share/group/b')

const MEETINGS: readonly [one: string, other: string, meet: boolean][] = [
  ['a/#', 'a', true],
  ['a/#', '+/b', true],
  ['a/+', '+/b/c', false],
  ['a/+/c', '+/b/+', true],
  ['a/b', 'a/b', true],
  ['a/b', 'a/c', false],
  ['a/b/#', 'a/+', true],
  ['a/b', 'a', false],
  ['#', '$SYS/#', false],
  ['$SYS/#', '$SYS/+', true],
  ['tillbridge/1/#', 'tillbridge/10/#', false],
  ['tillbridge/1/#', 'tillbridge/#', true],
]

for (const [one, other, meet] of MEETINGS) {
  t.equal(filtersMeet(one, other), meet, `${one} and ${other}`)
  t.equal(filtersMeet(other, one), meet, `${other} and ${one}`)
}
