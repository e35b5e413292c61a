use v5.36;

use Cwd qw(getcwd);
use Test::More;

use Tenon::Sidecar::Bounds;

my $usual = umask();
my $bounds = Tenon::Sidecar::Bounds->new;
chdir('/') or die "$!\n";
$bounds->settle;

sub bent () {
    return { cwd => getcwd(), path => $ENV{PATH}, umask => umask() };
}

my $before = bent();

subtest 'what a call bends is put back once its answer is sent' => sub {
    my ($done) = $bounds->around(
        1, undef,
        sub {
            chdir('/tmp') or die "$!\n";
            umask(0077);
            local $SIG{ALRM} = 'IGNORE';
            $ENV{PATH} = '/nowhere';
        });
    $bounds->tidy;
    ok($done);
    is_deeply(bent(), $before);
};

subtest 'a call inside another leaves the directory, and the rest as the outer one had it' => sub {
    my ($outer, $inner, $after);
    $bounds->around(
        1, undef,
        sub {
            chdir('/tmp') or die "$!\n";
            umask(0077);
            $ENV{PATH} = '/outer';
            $outer = bent();
            $bounds->around(
                0, '022',
                sub {
                    $inner = umask();
                    $ENV{PATH} = '/inner';
                });
            $bounds->tidy;
            $after = bent();
        });
    is($inner, oct('77'), 'what it must not allow does not allow more than before');
    is_deeply($after, $outer);
    $bounds->tidy;
    is_deeply(bent(), $before);
};

subtest 'a call that must not allow something finds that, and the next one does not' => sub {
    my $inside;
    $bounds->around(1, '077', sub { $inside = umask() });
    $bounds->tidy;
    is($inside, $usual | oct('77'));
    is(umask(), $usual);
};

done_testing;
