// SPDX-License-Identifier: MIT
pragma solidity ^0.8.19;

/// Price aggregator whose every answer, time and failure a test can set.
contract Aggregator {
    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);
    event NewRound(uint256 indexed roundId, address indexed startedBy, uint256 startedAt);

    uint8 public immutable decimals;
    string public description;
    int192 public minAnswer = 1;
    int192 public maxAnswer = type(int192).max;

    bool public failing;
    uint80 internal round;
    int256 internal answer;
    uint256 internal startedAt;
    uint256 internal updatedAt;

    constructor(string memory description_, uint8 decimals_, int256 answer_) {
        description = description_;
        decimals = decimals_;
        set(answer_);
    }

    function set(int256 answer_) public {
        setAt(answer_, block.timestamp, block.timestamp);
    }

    /// An answer with times of its own: an old `updatedAt_` makes the feed stale.
    function setAt(int256 answer_, uint256 startedAt_, uint256 updatedAt_) public {
        round += 1;
        (answer, startedAt, updatedAt) = (answer_, startedAt_, updatedAt_);
        emit NewRound(round, msg.sender, startedAt_);
        emit AnswerUpdated(answer_, round, updatedAt_);
    }

    function setFailing(bool failing_) external {
        failing = failing_;
    }

    function setBounds(int192 min, int192 max) external {
        (minAnswer, maxAnswer) = (min, max);
    }

    function latestAnswer() external view returns (int256) {
        require(!failing, "feed fails");
        return answer;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        require(!failing, "feed fails");
        return (round, answer, startedAt, updatedAt, round);
    }

    function latestTimestamp() external view returns (uint256) {
        return updatedAt;
    }

    function latestRound() external view returns (uint256) {
        return round;
    }
}

/// What a protocol points at: forwards to an aggregator that can be replaced, and emits no answer events itself.
contract Feed {
    Aggregator public aggregator;
    uint16 public phaseId;

    constructor(Aggregator aggregator_) {
        setAggregator(aggregator_);
    }

    function setAggregator(Aggregator aggregator_) public {
        aggregator = aggregator_;
        phaseId += 1;
    }

    function decimals() external view returns (uint8) {
        return aggregator.decimals();
    }

    function description() external view returns (string memory) {
        return aggregator.description();
    }

    function version() external pure returns (uint256) {
        return 6;
    }

    function latestAnswer() external view returns (int256) {
        return aggregator.latestAnswer();
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        (uint80 round, int256 answer, uint256 startedAt, uint256 updatedAt,) = aggregator.latestRoundData();
        uint80 id = (uint80(phaseId) << 64) | round;
        return (id, answer, startedAt, updatedAt, id);
    }
}

/// A staking ratio that a test can set.
contract RatioSource {
    uint256 public ratio;

    constructor(uint256 ratio_) {
        ratio = ratio_;
    }

    function set(uint256 ratio_) external {
        ratio = ratio_;
    }
}

interface IAnswer {
    function latestAnswer() external view returns (int256);
    function decimals() external view returns (uint8);
}

/// Base price times a staking ratio whose growth is capped, with the getters of a correlated-asset price oracle.
contract CappedRatioFeed {
    uint256 internal constant SCALING = 1e6;
    uint256 internal constant SECONDS_PER_YEAR = 365 days;

    IAnswer public immutable BASE_TO_USD_AGGREGATOR;
    RatioSource public immutable RATIO_PROVIDER;
    uint8 public immutable RATIO_DECIMALS;
    uint8 public immutable decimals;
    string public description;
    uint256 public getSnapshotRatio;
    uint256 public getSnapshotTimestamp;
    uint256 public getMaxRatioGrowthPerSecondScaled;

    constructor(IAnswer base, RatioSource ratio, uint8 ratioDecimals, uint256 maxYearlyGrowthBps, string memory description_) {
        BASE_TO_USD_AGGREGATOR = base;
        RATIO_PROVIDER = ratio;
        RATIO_DECIMALS = ratioDecimals;
        decimals = base.decimals();
        description = description_;
        getSnapshotRatio = ratio.ratio();
        getSnapshotTimestamp = block.timestamp;
        getMaxRatioGrowthPerSecondScaled = ratio.ratio() * maxYearlyGrowthBps * SCALING / 1e4 / SECONDS_PER_YEAR;
    }

    struct PriceCapUpdateParams {
        uint104 snapshotRatio;
        uint48 snapshotTimestamp;
        uint16 maxYearlyRatioGrowthPercent;
    }

    event CapParametersUpdated(
        uint256 snapshotRatio, uint256 snapshotTimestamp, uint256 maxRatioGrowthPerSecond, uint16 maxYearlyRatioGrowthPercent
    );

    function setCapParameters(PriceCapUpdateParams memory p) external {
        getSnapshotRatio = p.snapshotRatio;
        getSnapshotTimestamp = p.snapshotTimestamp;
        getMaxRatioGrowthPerSecondScaled =
            uint256(p.snapshotRatio) * p.maxYearlyRatioGrowthPercent * SCALING / 1e4 / SECONDS_PER_YEAR;
        emit CapParametersUpdated(
            p.snapshotRatio, p.snapshotTimestamp, getMaxRatioGrowthPerSecondScaled / SCALING, p.maxYearlyRatioGrowthPercent
        );
    }

    function getMaxRatioGrowthPerSecond() external view returns (uint256) {
        return getMaxRatioGrowthPerSecondScaled / SCALING;
    }

    function getRatio() public view returns (int256) {
        return int256(RATIO_PROVIDER.ratio());
    }

    function isCapped() public view returns (bool) {
        return uint256(getRatio()) > maxRatio();
    }

    function latestAnswer() external view returns (int256) {
        int256 base = BASE_TO_USD_AGGREGATOR.latestAnswer();
        if (base <= 0 || getRatio() <= 0) return 0;
        uint256 ratio = isCapped() ? maxRatio() : uint256(getRatio());
        return base * int256(ratio) / int256(10 ** RATIO_DECIMALS);
    }

    function maxRatio() internal view returns (uint256) {
        return getSnapshotRatio + getMaxRatioGrowthPerSecondScaled * (block.timestamp - getSnapshotTimestamp) / SCALING;
    }
}

/// A price that never exceeds a cap, with the getters of a stablecoin price-cap oracle.
contract CappedStableFeed {
    IAnswer public immutable ASSET_TO_USD_AGGREGATOR;
    uint8 public immutable decimals;
    string public description;
    int256 public getPriceCap;

    constructor(IAnswer asset, int256 cap, string memory description_) {
        ASSET_TO_USD_AGGREGATOR = asset;
        decimals = asset.decimals();
        description = description_;
        getPriceCap = cap;
    }

    function setPriceCap(int256 cap) external {
        getPriceCap = cap;
    }

    function isCapped() external view returns (bool) {
        return ASSET_TO_USD_AGGREGATOR.latestAnswer() > getPriceCap;
    }

    function latestAnswer() external view returns (int256) {
        int256 answer = ASSET_TO_USD_AGGREGATOR.latestAnswer();
        if (answer > getPriceCap) return getPriceCap;
        return answer > 0 ? answer : int256(0);
    }
}
