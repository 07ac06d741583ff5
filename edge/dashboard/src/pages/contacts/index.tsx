export { Contacts } from './list'
export { ContactPage } from './contact'
export { ImportReport, Imports } from './imports'
