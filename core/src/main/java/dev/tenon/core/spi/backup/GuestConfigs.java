package dev.tenon.core.spi.backup;

import java.util.Optional;

/**
 * The configuration files of a guest.
 *
 * @param guest the guest's own; that of a VM ends with {@code #qmdump#map:} lines, without which PVE cannot restore it
 * @param firewall that of its firewall, empty if it has none; for containers PVE gives one without content in its place
 */
public record GuestConfigs(RawConfig guest, Optional<RawConfig> firewall) {}
