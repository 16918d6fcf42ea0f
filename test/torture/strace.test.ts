import t from 'tap'
import { parseTrace } from './strace.js'

/** Bytes as strace -xx prints them. */
function hex(text: string): string {
  return [...Buffer.from(text)].map(byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}

t.test(
  'calls of several threads, unfinished ones put together, the deadly one without result',
  async t => {
    const log = hex('/j/000003.log')
    const calls = parseTrace(
      [
        `11 openat(AT_FDCWD, "${log}", O_WRONLY|O_CREAT|O_TRUNC, 0644) = 7<${log}>`,
        `11 fdatasync(7<${log}> <unfinished ...>`,
        `12 write(7<${log}>, "${hex('abc')}", 3) = 3`,
        '11 <... fdatasync resumed>)          = 0',
        `12 unlink("${hex('/j/gone')}") = -1 ENOENT (No such file or directory)`,
        `12 rename("${hex('/j/a')}", "${hex('/j/b')}" <unfinished ...>`,
        `11 mmap(NULL, 9, PROT_READ, MAP_SHARED, 9<${hex('/j/5.ldb')}>, 0) = 0x7f00`,
        '11 +++ killed by SIGKILL +++',
      ].join('\n'),
    )
    t.same(
      calls.map(({ thread, name, path, result, start, end }) => {
        return [thread, name, path, result, start, end]
      }),
      [
        [11, 'openat', '/j/000003.log', 7, 0, 0],
        [11, 'fdatasync', '/j/000003.log', 0, 1, 3],
        [12, 'write', '/j/000003.log', 3, 2, 2],
        [12, 'unlink', undefined, -1, 4, 4],
        [12, 'rename', undefined, undefined, 5, 8],
        [11, 'mmap', '/j/5.ldb', 0, 6, 6],
      ],
    )
    t.same(
      calls.map(({ texts }) => texts.map(text => text.toString('utf8'))),
      [['/j/000003.log'], [], ['abc'], ['/j/gone'], ['/j/a', '/j/b'], []],
    )
  },
)
