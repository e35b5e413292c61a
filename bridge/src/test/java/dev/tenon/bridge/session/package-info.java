@NullMarked
package dev.tenon.bridge.session;

import org.jspecify.annotations.NullMarked;
