export { Webhooks } from './list'
export { WebhookPage } from './webhook'
