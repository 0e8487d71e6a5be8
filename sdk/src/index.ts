export { all, createRustBill, RustBillError, type RustBillOptions } from './rustbill.ts';
export { RustBillApi } from './sdk.gen.ts';
export type * from './types.gen.ts';
