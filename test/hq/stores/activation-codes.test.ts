import t from 'tap'
import { storeId } from '../../../gateway/core/ids.js'
import { LIMITS } from '../../../gateway/core/limits.js'
import { codeProof } from '../../../gateway/wire/enrol.js'
import { clockAhead } from '../../support/clock-ahead.js'
import { STORE } from '../../support/sample.js'
import { applicant, makeStoresAuthority, openRegister } from '../../support/stores-authority.js'

const OTHER = storeId('store-002')

t.test('a code says which store; for a month, and for the gateway that was told it', async t => {
  const register = await openRegister(makeStoresAuthority(t).folder)
  const { code } = await register.codes.issue(STORE)
  t.match(code, /^[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}$/)
  const told = applicant({})
  const typed = code.toLowerCase().replaceAll('-', ' ')
  const proof = codeProof(told.device.id, typed)
  t.equal(await register.codes.storeOf({ ...told.request, code: proof }), STORE)
  const other = applicant({}).request
  t.equal(await register.codes.storeOf({ ...other, code: proof }), undefined, 'overheard')
  await register.codes.issue(OTHER)
  t.equal(await register.codes.storeOf({ ...told.request, code: proof }), STORE)
  await register.codes.issue(STORE)
  t.equal(await register.codes.storeOf({ ...told.request, code: proof }), undefined, 'a newer one')
})

t.test('a code is good for the one gateway that became a store by it', async t => {
  const { folder } = makeStoresAuthority(t)
  const register = await openRegister(folder)
  const { code } = await register.codes.issue(STORE)
  const told = () => {
    const { request } = applicant({})
    return { ...request, code: codeProof(request.device, code) }
  }
  const [first, second, third] = [told(), told(), told()]
  t.equal(await register.codes.storeOf(first), STORE)
  t.equal(await register.codes.storeOf(second), STORE, 'as long as HQ approved none')

  await register.approve(first, OTHER)
  t.equal(await register.codes.storeOf(second), STORE, 'the first became another store')
  await register.approve(second, STORE)
  t.equal(await register.codes.storeOf(third), undefined)
  t.equal(await register.codes.storeOf(second), STORE, 'its answer may have been lost')
  const { code: next } = await register.codes.issue(STORE)
  const heir = { ...third, code: codeProof(third.device, next) }
  t.equal(await register.codes.storeOf(heir), STORE, 'the next gateway is told another')

  const later = await openRegister(folder, { clock: clockAhead(LIMITS.activationCodeMs) })
  t.equal(await later.codes.storeOf(heir), undefined, 'too old')
})
