import { infiniteQueryOptions, queryOptions, type QueryClient } from '@tanstack/react-query'
import { api, must, page, type Schemas } from './client'

export type Webhook = Omit<Schemas['Webhook'], 'url'> & { url: string }
export type WebhookSettings = { url: string; events: string[]; description: string }
/** The secret is in the answer to a creation and to a rotation only. */
export type NewWebhook = { webhook: Webhook; secret: string }
export type Delivery = Schemas['WebhookDelivery']
export type DeliveryStatus = Schemas['WebhookDeliveryStatus']
export type TestResult = Schemas['WebhookTestResult']

/** How often deliveries that are looked at are asked for again, in milliseconds. */
const REFRESH = 15_000

const W = '/v1/console/agents/{agentId}/webhooks'
const ONE = '/v1/console/agents/{agentId}/webhooks/{id}'

/** Everything about the webhooks of an agent in the cache begins with this. */
const ofAgent = (agentId: string) => ['webhooks', agentId]

/** An agent has at most 20: all of them, newest first. */
export const webhooksQuery = (agentId: string) =>
  queryOptions({
    queryKey: [...ofAgent(agentId), 'list'],
    queryFn: async ({ signal }) =>
      (await page(api.GET(W, { params: { path: { agentId }, query: { limit: 100 } }, signal }))).items as Webhook[],
    refetchInterval: REFRESH,
  })

export const webhookQuery = (agentId: string, id: string) =>
  queryOptions({
    queryKey: [...ofAgent(agentId), 'one', id],
    queryFn: ({ signal }) => must(api.GET(ONE, { params: { path: { agentId, id } }, signal })) as Promise<Webhook>,
    refetchInterval: REFRESH,
  })

export const createWebhook = (agentId: string, body: WebhookSettings, idempotencyKey: string) =>
  must(
    api.POST(W, { params: { path: { agentId }, header: { 'Idempotency-Key': idempotencyKey } }, body }),
  ) as Promise<NewWebhook>

/** Changes only what is named, and only if nobody else has changed the webhook since `webhook` was read. */
export const updateWebhook = (agentId: string, { id, version }: Webhook, body: Schemas['WebhookPatch']) =>
  must(
    api.PATCH(ONE, { params: { path: { agentId, id }, header: { 'If-Match': `"${version}"` } }, body }),
  ) as Promise<Webhook>

export const deleteWebhook = (agentId: string, id: string) =>
  must(api.DELETE(ONE, { params: { path: { agentId, id } } }))

export const testWebhook = (agentId: string, id: string) =>
  must(api.POST(`${ONE}:test`, { params: { path: { agentId, id } }, body: {} }))

export const rotateSecret = (agentId: string, id: string, overlapSeconds: number) =>
  must(
    api.POST(`${ONE}:rotateSecret`, { params: { path: { agentId, id } }, body: { overlapSeconds } }),
  ) as Promise<NewWebhook>

export const deliveriesQuery = (agentId: string, id: string, status?: DeliveryStatus) =>
  infiniteQueryOptions({
    queryKey: [...ofAgent(agentId), 'deliveries', id, status],
    queryFn: ({ pageParam, signal }) =>
      page<Delivery>(
        api.GET(`${ONE}/deliveries`, {
          params: { path: { agentId, id }, query: { status, limit: 50, cursor: pageParam || undefined } },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: last => last.next,
    refetchInterval: REFRESH,
  })

export const replay = (agentId: string, id: string, deliveryId: string) =>
  must(api.POST(`${ONE}/deliveries/{deliveryId}:replay`, { params: { path: { agentId, id, deliveryId } }, body: {} }))

/** Asks again for everything that shows the webhooks of an agent. */
export const webhooksChanged = (client: QueryClient, agentId: string) =>
  client.invalidateQueries({ queryKey: ofAgent(agentId) })

/** The same, but for a webhook that is gone: it would only be told so. */
export const webhookDeleted = (client: QueryClient, agentId: string, id: string) =>
  client.invalidateQueries({ queryKey: ofAgent(agentId), predicate: ({ queryKey }) => !queryKey.includes(id) })
