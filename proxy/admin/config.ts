export { adminConfig, type AdminConfig } from "../../common/admin-config.ts";
