/**
 * The page of the daemon, for people and for Prometheus: what its storages, calls, plugins and comparisons are doing. It
 * reads and never writes, whoever asks, and nothing that a browser or a storage does to it reaches the daemon's calls.
 */
@NullMarked
package dev.tenon.web;

import org.jspecify.annotations.NullMarked;
