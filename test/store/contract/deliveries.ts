import { expect } from 'vitest'
import { aDeliveredJob, aDelivery, aToldJob, at } from '../../support/builders.ts'
import { ask, idsOf, rings, type StoreTest } from '../../support/store.ts'

export function deliveriesContract(test: StoreTest): void {
  test('keeps the job that a delivery tells, with all that was told', async ({ store }) => {
    const told = aToldJob({
      id: '9007199254740993',
      attempt: 2,
      handle: 'h-2',
      labels: ['linux', 'größe:XL'],
      url: 'https://forge/1',
    })
    expect(await store.recordDelivery(aDelivery({ jobs: [{ told, target: 'linux', unassigned: null }] }))).toBe(
      'recorded',
    )
    expect(await store.job('main', told.id)).toMatchObject({
      ...told,
      instance: 'main',
      round: 2,
      target: 'linux',
      announcedAt: at('12:00:00'),
      version: 1,
    })
  })

  test('takes the same delivery id once, whatever it says the second time', async ({ store }) => {
    const job = aDeliveredJob({ id: '1', state: 'running' })
    await store.recordDelivery(aDelivery({ id: 'same', jobs: [job] }))
    const known = await store.job('main', '1')
    const finished = aDeliveredJob({ id: '1', state: 'finished' })
    expect(await store.recordDelivery(aDelivery({ id: 'same', jobs: [finished] }))).toBe('duplicate')
    expect(await store.job('main', '1')).toEqual(known)
  })

  test('leaves a line for each delivery before what it told, without a word of its payload', async ({ store }) => {
    const one = aDeliveredJob({ id: '1', name: 'canary-name', labels: ['canary-label'], url: 'https://canary' })
    await store.recordDelivery(aDelivery({ id: 'd1', jobs: [one] }))
    await store.recordDelivery(aDelivery({ id: 'd1', jobs: [one] }))
    await store.recordDelivery(aDelivery({ id: 'd2', jobs: [one, aDeliveredJob({ id: '2' })], via: 'recovered' }))
    await store.recordDelivery(
      aDelivery({ id: 'd3', event: 'ping', result: 'ignored', reason: 'ping', jobEvent: false, jobs: [] }),
    )
    const { items } = await store.events({ limit: 10, after: '0' })
    expect(items.map(({ type, job, detail }) => [type, job?.id ?? null, detail.delivery ?? null])).toEqual([
      ['delivery_received', '1', 'd1'],
      ['job_queued', '1', null],
      ['delivery_received', null, 'd2'],
      ['job_queued', '2', null],
      ['delivery_received', null, 'd3'],
    ])
    expect(items.at(-1)?.detail).toEqual({
      delivery: 'd3',
      event: 'ping',
      result: 'ignored',
      reason: 'ping',
      via: 'http',
    })
    expect(JSON.stringify(items)).not.toContain('canary')
  })

  test('tells which delivery ids were recorded', async ({ store }) => {
    await store.recordDelivery(aDelivery({ id: 'one' }))
    await store.recordDelivery(aDelivery({ id: 'two', instance: 'other' }))
    expect(await store.received('main', ['one', 'two', 'three'])).toEqual(new Set(['one']))
  })

  test('counts how often each secret signed, repeats not counted', async ({ store }) => {
    await store.recordDelivery(aDelivery({ id: 'one', signedBy: 'old' }))
    await store.recordDelivery(aDelivery({ id: 'two', signedBy: 'new', receivedAt: at('12:01:00') }))
    await store.recordDelivery(aDelivery({ id: 'three', signedBy: 'new', receivedAt: at('12:02:00') }))
    await store.recordDelivery(aDelivery({ id: 'three', signedBy: 'new', receivedAt: at('12:03:00') }))
    await store.recordDelivery(aDelivery({ id: 'four', via: 'recovered' }))
    expect(await store.secretUses('main')).toEqual([
      { fingerprint: 'new', uses: 2, lastAt: at('12:02:00') },
      { fingerprint: 'old', uses: 1, lastAt: at('12:00:00') },
    ])
    expect(await store.secretUses('other')).toEqual([])
  })

  test('keeps what was read back apart from what was announced', async ({ store }) => {
    const job = aDeliveredJob({ id: '1' })
    await store.recordDelivery(aDelivery({ id: 'lost', via: 'recovered', jobs: [job] }))
    expect(await store.job('main', '1')).toMatchObject({ announcedAt: null, recoveredAt: at('12:00:00') })
    const { jobs } = await store.facts('main', ask({ window: 0, listedSince: at('11:59:00') }))
    expect(idsOf(jobs)).toEqual(['1'])
    await store.recordDelivery(aDelivery({ id: 'heard', receivedAt: at('12:01:00'), jobs: [job] }))
    expect(await store.job('main', '1')).toMatchObject({ announcedAt: at('12:01:00'), announcedBy: 'heard' })
  })

  test('takes the same delivery id for each instance', async ({ store }) => {
    await store.recordDelivery(aDelivery({ id: 'same' }))
    expect(await store.recordDelivery(aDelivery({ id: 'same', instance: 'other' }))).toBe('recorded')
  })

  test('takes the same delivery twice at the same moment once', async ({ store }) => {
    const delivery = aDelivery()
    const answers = await Promise.all([store.recordDelivery(delivery), store.recordDelivery(delivery)])
    expect(answers).toEqual(['recorded', 'duplicate'])
  })

  test('moves a job only forward, however the deliveries of one moment are ordered', async ({ store }) => {
    const tell = (state: 'queued' | 'running' | 'finished') =>
      store.recordDelivery(aDelivery({ jobs: [aDeliveredJob({ id: '1', state })] }))
    await Promise.all([tell('queued'), tell('finished'), tell('running')])
    expect(await store.job('main', '1')).toMatchObject({ state: 'finished', version: 3 })
  })

  test('opens the next round in a row of its own, and answers the newest', async ({ store }) => {
    const round = (attempt: number) => aDelivery({ jobs: [aDeliveredJob({ id: '1', attempt })] })
    await store.recordDelivery(round(1))
    await store.recordDelivery(round(2))
    expect(await store.job('main', '1')).toMatchObject({ round: 2 })
    expect(await store.job('main', '1', 1)).toMatchObject({ round: 1 })
    expect(await store.job('main', '1', 3)).toBeNull()
  })

  test('rings once for what is committed together, and not for a repeat', async ({ store }) => {
    const rung = rings(store)
    const delivery = aDelivery()
    await Promise.all([
      store.recordDelivery(delivery),
      store.recordDelivery(aDelivery()),
      store.recordDelivery(delivery),
    ])
    await store.recordDelivery(aDelivery({ instance: 'other' }))
    await store.recordDelivery(delivery)
    expect(rung).toEqual(['main', 'other'])
  })

  test('has committed a delivery when it rings for it', async ({ store }) => {
    const seen: Promise<string[]>[] = []
    store.onBell(() => seen.push(store.facts('main', ask()).then(({ jobs }) => idsOf(jobs))))
    await store.recordDelivery(aDelivery({ jobs: [aDeliveredJob({ id: '1' })] }))
    expect(await Promise.all(seen)).toEqual([['1']])
  })

  test('rings no more for a listener that has let go', async ({ store }) => {
    const rung: string[] = []
    const letGo = store.onBell((instance) => rung.push(instance))
    letGo()
    await store.recordDelivery(aDelivery())
    expect(rung).toEqual([])
  })

  test('keeps an ignored delivery, so that its repeat is known, and rings for nobody', async ({ store }) => {
    const rung = rings(store)
    const ping = aDelivery({ event: 'ping', result: 'ignored', reason: 'event', jobEvent: false, jobs: [] })
    expect(await store.recordDelivery(ping)).toBe('recorded')
    expect(await store.recordDelivery(ping)).toBe('duplicate')
    expect(rung).toEqual([])
  })

  test('tells when a delivery and a job event last came over HTTP', async ({ store }) => {
    await store.recordDelivery(aDelivery({ receivedAt: at('12:00:05') }))
    await store.recordDelivery(
      aDelivery({ receivedAt: at('12:00:09'), event: 'push', nudge: true, jobEvent: false, jobs: [] }),
    )
    await store.recordDelivery(aDelivery({ receivedAt: at('12:00:02') }))
    await store.recordDelivery(aDelivery({ receivedAt: at('12:00:20'), via: 'recovered' }))
    expect(await store.deliveries('main')).toEqual({
      instance: 'main',
      lastAt: at('12:00:09'),
      lastJobEventAt: at('12:00:05'),
    })
    expect(await store.deliveries('other')).toEqual({ instance: 'other', lastAt: null, lastJobEventAt: null })
  })
}
