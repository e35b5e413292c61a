package dev.tenon.web;

import dev.tenon.core.compare.Report;
import dev.tenon.core.compare.Shadow;
import dev.tenon.core.route.Routes;

/**
 * An old plugin and a new one, and what their comparison has shown by now.
 *
 * @param type the storage type
 * @param candidate the new plugin, as it was named
 */
public record SeenComparison(String type, String candidate, Routes routes, Shadow.Counts counts, Report report) {}
