/** What reports have in common: a page, JUnit's XML, and files that are written whole. */
@NullMarked
package dev.tenon.core.report;

import org.jspecify.annotations.NullMarked;
