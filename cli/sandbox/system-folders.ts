/** Where the tools of the system lie, for a PATH: an unprivileged user's own often leaves the folders of `ip` and `nft` out. */
export const SYSTEM_FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
