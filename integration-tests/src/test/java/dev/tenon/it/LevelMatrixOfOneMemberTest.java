package dev.tenon.it;

/** The same with plugins that are alone in the processes that have loaded them. */
class LevelMatrixOfOneMemberTest extends LevelMatrixTest {
    @Override
    int members() {
        return 1;
    }
}
