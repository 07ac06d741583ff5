export { Documents } from './list'
export { DocumentPage } from './document'
