/** How one budget stands, as policy sees it. Unit: requests or bytes, as the budget says. */
export interface PolicyBudget {
  readonly limit: number;
  readonly spent: number;
  readonly reserved: number;
}
