package dev.tenon.bridge.perl;

import java.time.Duration;

/**
 * What a process of a plugin does.
 *
 * @param pid its number
 * @param what the call in words, {@code idle} or {@code ending}
 * @param since for how long by now
 */
public record Occupation(long pid, String what, Duration since) {}
