import type {
  BillingSettingsUpdate,
  CustomerCreate,
  PlanCreate,
  ProductCreate,
  TaxRuleCreate,
} from '../../generated/types.gen.ts';

// The demo company: what it sells, where it charges tax, and who buys.

export const settings: BillingSettingsUpdate = {
  companyName: 'Palmyra Software',
  companyAddress: '12 Harbour Street, 1015 Amsterdam, Netherlands',
  companyEmail: 'accounts@palmyra.example',
  invoiceFooter: 'Thank you for working with us.',
  defaultCurrency: 'USD',
  paymentTermsDays: 14,
  preRenewalInvoiceDays: 7,
};

export const taxRules: TaxRuleCreate[] = [
  { country: 'ID', taxName: 'PPN', rate: '0.1100', inclusive: true },
  { country: 'SG', taxName: 'GST', rate: '0.0900' },
  { country: 'US', region: 'CA', taxName: 'CA Sales Tax', rate: '0.0725' },
  { country: 'US', region: 'TX', taxName: 'TX Sales Tax', rate: '0.0625' },
  { country: 'DE', taxName: 'VAT', rate: '0.1900', inclusive: true },
  { country: 'GB', taxName: 'VAT', rate: '0.2000', inclusive: true },
];

export const products = {
  inbox: { name: 'Shared Inbox', productType: 'saas', price: '49.00', description: 'Team e-mail in the browser' },
  forms: { name: 'Form Studio', productType: 'licensed', price: '12.00', description: 'Desktop form designer' },
  geocode: { name: 'Geocode API', productType: 'api', price: '29.00', description: 'Addresses to coordinates' },
} as const satisfies Record<string, ProductCreate>;

type Plan = Omit<PlanCreate, 'productId'> & { product: keyof typeof products };

export const plans = {
  inbox: {
    product: 'inbox',
    name: 'Inbox Business',
    pricingModel: 'flat',
    billingCycle: 'monthly',
    basePrice: '49.00',
    features: { mailboxes: 10, support: 'e-mail' },
  },
  inboxSeats: {
    product: 'inbox',
    name: 'Inbox per Seat',
    currency: 'EUR',
    pricingModel: 'per_unit',
    billingCycle: 'monthly',
    basePrice: '0.00',
    unitPrice: '9.50',
    features: { support: 'telephone' },
  },
  formsTeam: {
    product: 'forms',
    name: 'Forms Team',
    pricingModel: 'tiered',
    tierMode: 'graduated',
    billingCycle: 'monthly',
    basePrice: '0.00',
    tiers: [
      { upTo: 10, unitPrice: '12.00', flatFee: '20.00' },
      { upTo: 50, unitPrice: '10.00' },
      { upTo: null, unitPrice: '8.00' },
    ],
  },
  formsJapan: {
    product: 'forms',
    name: 'Forms Volume Japan',
    currency: 'JPY',
    pricingModel: 'tiered',
    tierMode: 'volume',
    billingCycle: 'monthly',
    basePrice: '0',
    tiers: [
      { upTo: 25, unitPrice: '1500' },
      { upTo: 100, unitPrice: '1200' },
      { upTo: null, unitPrice: '900', flatFee: '10000' },
    ],
  },
  geocode: {
    product: 'geocode',
    name: 'Geocode Pay as you go',
    pricingModel: 'usage_based',
    billingCycle: 'monthly',
    basePrice: '29.00',
    unitPrice: '0.002',
    usageMetric: { name: 'requests', aggregation: 'sum' },
  },
} as const satisfies Record<string, Plan>;

/** How a customer pays its invoices: days after the issue, or after the due date, and how much of what is due. */
export interface Habit {
  method: 'bank_transfer' | 'check' | 'stripe';
  pays: 'soon' | 'late' | 'in two parts' | 'too much';
  /** No payment from this day on. */
  untilDay?: number;
}

type Customer = CustomerCreate & { sinceDay: number; habit: Habit };

const byCard: Habit = { method: 'stripe', pays: 'soon' };
const byTransfer: Habit = { method: 'bank_transfer', pays: 'soon' };

const place = (billingAddress: string, billingCity: string, billingZip: string, billingCountry: string) => ({
  billingAddress,
  billingCity,
  billingZip,
  billingCountry,
});

export const customers = {
  nusantara: {
    name: 'Nusantara Logistik',
    email: 'finance@nusantara.example',
    tier: 'professional',
    taxId: '01.234.567.8-901.000',
    ...place('Jl. Sudirman 45', 'Jakarta', '10220', 'ID'),
    sinceDay: 0,
    habit: { method: 'bank_transfer', pays: 'late' },
  },
  merlion: {
    name: 'Merlion Analytics',
    email: 'ap@merlion.example',
    tier: 'enterprise',
    ...place('8 Marina View', 'Singapore', '018960', 'SG'),
    sinceDay: 5,
    habit: byCard,
  },
  bikes: {
    name: 'Bay Area Bikes',
    email: 'owner@bayareabikes.example',
    ...place('210 Valencia Street', 'San Francisco', '94103', 'US'),
    billingState: 'CA',
    sinceDay: 2,
    habit: byCard,
  },
  dental: {
    name: 'Golden Gate Dental',
    email: 'office@ggdental.example',
    tier: 'professional',
    ...place('77 Geary Street', 'San Francisco', '94108', 'US'),
    billingState: 'CA',
    sinceDay: 12,
    habit: { method: 'check', pays: 'soon' },
  },
  roofing: {
    name: 'Lone Star Roofing',
    email: 'billing@lonestar.example',
    ...place('1400 Congress Avenue', 'Austin', '78701', 'US'),
    billingState: 'TX',
    sinceDay: 20,
    habit: { method: 'check', pays: 'soon', untilDay: 270 },
  },
  kranich: {
    name: 'Kranich Maschinenbau GmbH',
    email: 'buchhaltung@kranich.example',
    tier: 'enterprise',
    taxId: 'DE811000000',
    ...place('Industriestrasse 9', 'Stuttgart', '70565', 'DE'),
    sinceDay: 8,
    habit: byTransfer,
  },
  hafenbuch: {
    name: 'Hafenbuch Verlag',
    email: 'rechnung@hafenbuch.example',
    ...place('Speicherstadt 3', 'Hamburg', '20457', 'DE'),
    sinceDay: 33,
    habit: byTransfer,
  },
  thornbury: {
    name: 'Thornbury & Sons',
    email: 'accounts@thornbury.example',
    tier: 'professional',
    ...place('5 Mill Lane', 'Bristol', 'BS1 4ST', 'GB'),
    sinceDay: 60,
    habit: byCard,
  },
  sakura: {
    name: 'Sakura Kikaku',
    email: 'keiri@sakura.example',
    ...place('2-8-1 Nishi-Shinjuku', 'Tokyo', '160-0023', 'JP'),
    sinceDay: 45,
    habit: { method: 'bank_transfer', pays: 'too much' },
  },
  minato: {
    name: 'Minato Robotics',
    email: 'ap@minato.example',
    tier: 'enterprise',
    ...place('1-1 Minatomirai', 'Yokohama', '220-0012', 'JP'),
    sinceDay: 90,
    habit: byTransfer,
  },
  riviere: {
    name: 'Atelier Rivière',
    email: 'bonjour@riviere.example',
    ...place('14 rue des Lilas', 'Lyon', '69003', 'FR'),
    sinceDay: 350,
    habit: byCard,
  },
  maple: {
    name: 'Maple Byte',
    email: 'hello@maplebyte.example',
    tier: 'professional',
    ...place('88 Queen Street West', 'Toronto', 'M5H 2N2', 'CA'),
    sinceDay: 100,
    habit: { method: 'bank_transfer', pays: 'in two parts' },
  },
} as const satisfies Record<string, Customer>;
