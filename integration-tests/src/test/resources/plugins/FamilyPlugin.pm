package PVE::Storage::Custom::FamilyPlugin;

# Tells in which process it is called, waits when it is told to, and keeps things in globals and in its section.

use strict;
use warnings;

use File::Basename qw(dirname);
use HTTP::Tiny;
use Time::HiRes ();

use base qw(PVE::Storage::Plugin);

my $VERSION_OF_FILE = 1;

my ($notes, $appliance, $session);

END {
    if (defined($notes) && open(my $fh, '>>', $notes)) {
        print $fh "end $$\n";
        close($fh);
    }
    HTTP::Tiny->new->get("$appliance/logout?session=$session&pid=$$") if defined($session);
}

sub api { return 15 }

sub type { return 'family' }

sub plugindata { return { content => [{ images => 1 }, { images => 1 }] } }

sub options { return { path => { fixed => 1 } } }

my $say = sub {
    my ($file) = @_;
    open(my $fh, '>', "$file.new") or die "$file: $!\n";
    print $fh $$;
    close($fh);
    rename("$file.new", $file) or die "$file: $!\n";
};

my $wait = sub {
    my ($scfg, $name) = @_;
    $say->("$scfg->{path}/ready-$name");
    Time::HiRes::sleep(0.01) while !-e "$scfg->{path}/go-$name" && -d $scfg->{path};
};

my $ask = sub {
    my ($path) = @_;
    my $answer = HTTP::Tiny->new->get("$appliance/$path");
    die "the appliance refuses: $answer->{status} $answer->{content}\n" if !$answer->{success};
    return $answer->{content};
};

# The size is what is told.
my %HABITS = (
    pid => sub { return $$ },
    version => sub { return $VERSION_OF_FILE },
    kill => sub {
        kill('KILL', $$);
        sleep(1) while 1;
    },
    noting => sub {
        my ($scfg) = @_;
        $notes = "$scfg->{path}/notes";
        return $$;
    },
    remember => sub {
        my ($scfg) = @_;
        $scfg->{_count} //= 0;
        return ++$scfg->{_count};
    },
    random => sub { return int(rand(1 << 30)) },
    appliance => sub {
        my ($scfg) = @_;
        $appliance = $scfg->{appliance};
        $session //= $ask->("login?pid=$$");
        return $ask->("call?session=$session&pid=$$");
    },
    flood => sub {
        my $line = 'x' x (1 << 20);
        print $line for 1 .. 64;
        print "\n";
        return $$;
    },
);

sub volume_size_info {
    my ($class, $scfg, $storeid, $volname, $timeout) = @_;

    my $size;
    if ($volname =~ m/\Await-(\w+)\z/) {
        $wait->($scfg, $1);
        $size = $$;
    } elsif ($volname =~ m/\Amake-(\w+)\z/) {
        $say->("$scfg->{path}/made-$1");
        $size = $$;
    } else {
        my $habit = $HABITS{$volname} or die "there is no habit '$volname'\n";
        $size = $habit->($scfg);
    }
    return wantarray ? ($size, 'raw', 0, undef, 1767225600) : $size;
}

sub volume_snapshot {
    my ($class, $scfg, $storeid, $volname, $snap) = @_;
    $wait->($scfg, $snap);
    return;
}

sub free_image {
    my ($class, $storeid, $scfg, $volname, $is_base) = @_;
    return sub { $say->("$scfg->{path}/freed") };
}

sub status { return (4096, 3072, 1024, 1) }

1;
