package dev.tenon.bridge.codec;

import dev.tenon.proto.Api;
import java.util.function.Predicate;

/**
 * An object that a call has made and that stays, so that its methods can be called.
 *
 * @param api the API whose methods it has
 * @param callee the object
 * @param begins which of its methods begin something that it keeps in memory until it ends
 * @param ends which end that
 * @param ending releases what the object holds
 */
public record Lasting(Api api, Callee callee, Predicate<String> begins, Predicate<String> ends, Runnable ending) {}
