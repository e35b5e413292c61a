package dev.tenon.proto;

/**
 * What a side accepts; everything is checked before memory is allocated for it.
 *
 * @param frameBytes longest frame after its length field; below 2^24, so the first byte of every frame is zero
 * @param depth deepest nesting of lists and maps in a frame, the frame's own list counted
 * @param textBytes longest text or byte string
 * @param elements most elements of one list or entries of one map
 * @param nesting how many calls may be under way inside each other on one connection
 * @param pending how many calls of the peer may wait for their answers on one connection
 */
public record Limits(int frameBytes, int depth, int textBytes, int elements, int nesting, int pending) {
    public static final Limits DEFAULT = new Limits((1 << 24) - 1, 16, 1 << 22, 1 << 20, 16, 256);
}
