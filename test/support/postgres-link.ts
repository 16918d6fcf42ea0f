import { join } from 'node:path'
import {
  type LinkFault,
  type LinkFaultOptions,
  openLinkFault,
} from '../../gateway/simulator/link-fault.js'

/** A link to a test's PostgreSQL that can fail, and the URL that goes through it. */
export async function openPostgresLink(
  url: string,
  options: Pick<LinkFaultOptions, 'watch'> = {},
): Promise<{ readonly link: LinkFault; readonly url: string }> {
  const { pathname, searchParams } = new URL(url)
  const target = join(searchParams.get('host') ?? '', '.s.PGSQL.5432')
  const link = await openLinkFault({ ...options, target })
  return { link, url: `postgres://${searchParams.get('user')}@127.0.0.1:${link.port}${pathname}` }
}
